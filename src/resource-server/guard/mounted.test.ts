import { once } from 'node:events';
import { type RequestListener, request } from 'node:http';
import express from 'express';
import Fastify from 'fastify';
import Koa from 'koa';
import mount from 'koa-mount';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startApplication } from '../../testing/application.ts';
import { createProof, thumbprintOf } from '../../testing/dpop.ts';
import { type ClientKey, createClientKey } from '../../testing/request-object.ts';
import { createGuard, type Guard } from './guard.ts';

/** Each takes the front of the path away before the guard sees it, or keeps it, as frameworks do. */
const SERVERS: Readonly<Record<string, (guard: Guard) => RequestListener>> = {
  'a mounted Koa application': (guard) => {
    const inner = new Koa().use(guard.require('a')).use((ctx) => {
      ctx.body = 'ok';
    });
    return new Koa().use(mount('/v1', inner)).callback();
  },
  'an Express router': (guard) => {
    const router = express.Router().get('/books', guard.require('a'), (_request, response) => {
      response.send('ok');
    });
    return express().use('/v1', router);
  },
  'a Fastify prefix': (guard) => {
    const app = Fastify();
    app.register(async (inner) => inner.get('/books', { preHandler: guard.require('a') }, () => 'ok'), {
      prefix: '/v1',
    });
    return async (request, response) => {
      await app.ready();
      app.routing(request, response);
    };
  },
};

let key: ClientKey;
let jkt: string;
const stops: (() => void)[] = [];
beforeAll(async () => {
  key = await createClientKey();
  jkt = await thumbprintOf(key);
});
afterAll(() => {
  for (const stop of stops) {
    stop();
  }
});

/** A database in which every token is good, and bound to the key. */
const repository = {
  query: async () => ({
    rows: [{ answer: { client_id: 'web', scope: 'a', aud: 'urn:books', token_type: 'DPoP', cnf: { jkt } } }],
  }),
};

it.each(Object.keys(SERVERS))('in %s a DPoP proof names the URL that the client asked for', async (name) => {
  const { url, stop } = await startApplication((publicUrl) => {
    const options = { issuer: 'https://login.example.com', audience: 'urn:books', strategy: { repository } };
    return SERVERS[name]?.(createGuard({ ...options, possession: { publicUrl } })) as RequestListener;
  });
  stops.push(stop);
  const ask = async (htu: string) => {
    const dpop = await createProof(key, { method: 'GET', url: htu, accessToken: 'token' });
    return (await fetch(`${url}/v1/books?page=2`, { headers: { authorization: 'DPoP token', dpop } })).status;
  };
  expect(await ask(`${url}/v1/books`)).toBe(200);
  expect(await ask(`${url}/books`)).toBe(401);
});

it('takes a DPoP proof for what the client asked for where it asks with an origin (RFC 9112 §3.2.2), and for nothing else', async () => {
  const options = { issuer: 'https://login.example.com', audience: 'urn:books', strategy: { repository } };
  const { url, stop } = await startApplication((publicUrl) =>
    express().use(createGuard({ ...options, possession: { publicUrl } }).require('a'), (_request, response) => {
      response.send('ok');
    }),
  );
  stops.push(stop);
  const ask = async (path: string, htu: string) => {
    const dpop = await createProof(key, { method: 'GET', url: htu, accessToken: 'token' });
    const sent = request(url, { path, headers: { authorization: 'DPoP token', dpop } });
    const [response] = await once(sent.end(), 'response');
    response.resume();
    return response.statusCode;
  };
  expect(await ask(`${url}/books?page=2`, `${url}/books`)).toBe(200);
  expect(await ask(`${url}/books`, `${url}/others`)).toBe(401);
  expect(await ask('http://evil.example/books', 'http://evil.example/books')).toBe(401);
  expect(await ask(`${url}/books`, 'no URL')).toBe(401);
});

it('knows a request of Express that other middleware has left something at', async () => {
  const options = { issuer: 'https://login.example.com', audience: 'urn:books', strategy: { repository } };
  const app = express();
  app.use((request, _response, next) => next(void Object.assign(request, { raw: Buffer.from('body') })));
  app.use(createGuard(options).require('a'));
  const { url, stop } = await startApplication(() => app);
  stops.push(stop);
  expect((await fetch(url)).status).toBe(401);
});
