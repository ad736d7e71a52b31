import * as openid from 'openid-client';
import type { Attempt, FlowContext } from './flow.ts';

/** The attack could not be made, so there is nothing to judge. The message is for who pressed the button. */
export class CannotTry extends Error {
  override readonly name = 'CannotTry';
}

/** What a server says in JSON; of one that says something else, nothing. */
export async function membersOf(answer: Response): Promise<Readonly<Record<string, unknown>>> {
  const body: unknown = await answer
    .clone()
    .json()
    .catch(() => undefined);
  return typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {};
}

/** Whether a server refused: with an error status, or by sending the browser back with an error (RFC 6749 §4.1.2.1). */
export async function refusedByServer(answer: Response): Promise<Attempt> {
  if (answer.status === 429 || answer.status >= 500) {
    throw new CannotTry(
      `The answer is ${answer.status}, which neither refuses nor lets through. Try again in a while.`,
    );
  }
  const location = answer.headers.get('location');
  const target = location === null ? null : URL.parse(location, 'http://localhost');
  const error = target && errorIn(target);
  const words = error ?? (await wordsOf(answer));
  const refused = error !== null || answer.status >= 400;
  return { refused, by: 'server', seen: `${answer.status}${words && ` ${words}`}.` };
}

function errorIn({ searchParams, hash }: URL): string | null {
  const fragment = new URLSearchParams(hash.slice(1));
  const read = (name: string) => searchParams.get(name) ?? fragment.get(name);
  const [error, description] = [read('error'), read('error_description')];
  return error === null ? null : sentence(error, description);
}

async function wordsOf(answer: Response): Promise<string> {
  const { error, error_description: description } = await membersOf(answer);
  if (error !== undefined) {
    return sentence(String(error), description === undefined ? null : String(description));
  }
  if (answer.headers.get('content-type')?.startsWith('text/html')) {
    return 'with a page of its own, and the browser stays there';
  }
  return /error="([^"]+)"/.exec(answer.headers.get('www-authenticate') ?? '')?.[1] ?? '';
}

const sentence = (error: string, description: string | null) =>
  description === null ? error : `${error} (${description.replace(/\.$/, '')})`;

/** Whether the client itself stopped; what it would have believed is a step of the diagram. */
export async function refusedByClient(
  { note }: FlowContext,
  {
    believed,
    compare,
    check,
  }: { believed: string; compare: readonly (readonly [string, string, string])[]; check: () => Promise<unknown> },
): Promise<Attempt> {
  note({
    at: 'client',
    label: 'check before use',
    text: believed,
    facts: compare.map(([name, value, meaning]) => ({ name, value, meaning })),
  });
  try {
    await check();
  } catch (thrown) {
    if (!(thrown instanceof openid.ClientError || thrown instanceof openid.AuthorizationResponseError)) {
      throw thrown;
    }
    const { cause } = thrown;
    return { refused: true, by: 'client', seen: `${cause instanceof Error ? cause.message : thrown.message}.` };
  }
  return { refused: false, by: 'client', seen: 'the answer would have been used.' };
}
