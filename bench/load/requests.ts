import type { BenchClient } from '../directory.ts';
import type { Answer } from './connection.ts';

/** Requests as they go over the wire. */
export function postForm(path: string, form: Readonly<Record<string, string>>, client: BenchClient): string {
  const body = new URLSearchParams(form).toString();
  return `POST ${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: ${basic(client)}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}

export function get(path: string, headers: Readonly<Record<string, string>> = {}): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${lines.join('')}\r\n`;
}

/** Throws unless the answer has this status: a benchmark of refusals would be fast and worth nothing. */
export function expectStatus(answer: Answer, status: number): Answer {
  if (answer.status !== status) {
    throw new Error(`${status} was expected, the answer is\n${answer.head}\n\n${answer.body.toString().slice(0, 500)}`);
  }
  return answer;
}

export function jsonOf<Shape>(answer: Answer): Shape {
  return JSON.parse(answer.body.toString()) as Shape;
}

export function pick<Item>(items: readonly Item[]): Item {
  const item = items[Math.floor(Math.random() * items.length)];
  if (item === undefined) {
    throw new Error('there is nothing to pick from');
  }
  return item;
}

const credentials = new Map<string, string>();

function basic({ clientId, secret }: BenchClient): string {
  let header = credentials.get(clientId);
  if (header === undefined) {
    header = `Basic ${Buffer.from(`${clientId}:${secret}`).toString('base64')}`;
    credentials.set(clientId, header);
  }
  return header;
}
