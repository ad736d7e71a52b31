import { once } from 'node:events';
import type { AddressInfo, Server } from 'node:net';
import Koa from 'koa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { FormProblems, readForm } from './form.ts';
import { PageError } from './page-error.ts';

const Form = z.object({ email: z.string('missing').min(1, 'empty'), password: z.string('missing') });
const URLENCODED = 'application/x-www-form-urlencoded';

let server: Server;
let url: string;

beforeAll(async () => {
  const app = new Koa();
  app.use(async (ctx) => {
    try {
      ctx.body = await readForm(ctx, Form);
    } catch (error) {
      if (!(error instanceof PageError || error instanceof FormProblems)) {
        throw error;
      }
      ctx.status = error instanceof PageError ? error.status : 400;
      ctx.body = error instanceof PageError ? { code: error.code } : { problems: error.problems };
    }
  });
  server = app.listen(0, 'localhost');
  await once(server, 'listening');
  url = `http://localhost:${(server.address() as AddressInfo).port}`;
});

afterAll(() => void server.close());

async function send(body: BodyInit, type: string | undefined = URLENCODED) {
  const headers = type === undefined ? {} : { 'content-type': type };
  const response = await fetch(url, { method: 'POST', body, headers, duplex: 'half' } as RequestInit);
  return { status: response.status, answer: await response.json() };
}

const MALFORMED = { status: 400, answer: { code: 'malformed_form' } };

describe('a form', () => {
  it('is read into the fields that its schema names', async () => {
    const { answer } = await send('email=alice%40example.com&password=p%C3%A4ss+word&admin=true');
    expect(answer).toEqual({ email: 'alice@example.com', password: 'päss word' });
  });

  it.each([
    ['empty', ''],
    ['without values', 'email&password'],
    ['with an array', 'email[]=a&email[]=b&password=p'],
    ['with an object', 'email[a]=b&password=p'],
    ['with a field that would be a prototype', '__proto__=x&constructor=y'],
  ])('C56: is refused when it is %s', async (_name, body) => {
    expect(await send(body)).toMatchObject({ status: 400 });
  });

  it.each([
    ['JSON', '{"email":"a","password":"p"}', 'application/json'],
    ['plain text', 'email=a&password=p', 'text/plain'],
  ])('C56: is refused as %s', async (_name, body, type) => {
    expect(await send(body, type)).toEqual(MALFORMED);
  });

  it('C56: is refused as multipart', async () => {
    const form = new FormData();
    form.set('email', 'a');
    form.set('password', 'p');
    expect(await send(form, undefined)).toMatchObject({ status: 400 });
  });

  it.each([
    ['a field twice', 'email=a&email=b&password=p'],
    ['a NUL in a value', 'email=a%00&password=p'],
    ['a NUL in a name', 'email=a&password=p&x%00=1'],
    ['more fields than a page has', Array.from({ length: 251 }, (_, i) => `f${i}=`).join('&')],
  ])('is refused with %s', async (_name, body) => {
    expect(await send(body)).toEqual(MALFORMED);
  });

  it('names the problem of each field, the first one', async () => {
    expect(await send('email=')).toEqual({
      status: 400,
      answer: { problems: { email: 'empty', password: 'missing' } },
    });
  });

  it('C101: is refused by its announced length', async () => {
    expect(await send(`email=${'a'.repeat(20_000)}`)).toEqual({ status: 413, answer: { code: 'form_too_large' } });
  });

  it('C101: is refused while it is read when it announced no length', async () => {
    let sent = 0;
    const endless = new ReadableStream({
      pull(controller) {
        sent += 1;
        controller.enqueue(new TextEncoder().encode('a'.repeat(1024)));
        if (sent === 64) {
          controller.close();
        }
      },
    });
    expect(await send(endless)).toEqual({ status: 413, answer: { code: 'form_too_large' } });
  });
});
