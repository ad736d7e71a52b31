import { connect } from 'node:net';

export interface RawAnswer {
  readonly status: number;
  /** Everything that came, head and body. */
  readonly text: string;
  header(name: string): string | undefined;
}

/** Sends these very characters, which a client library would have corrected, and reads until the server hangs up. */
export function sendRaw(address: string, request: string): Promise<RawAnswer> {
  const { hostname, port } = new URL(address);
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect(Number(port), hostname, () => socket.write(request, 'latin1'));
    socket.setEncoding('latin1');
    socket.on('data', (chunk) => {
      text += chunk;
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(answerOf(text)));
  });
}

function answerOf(text: string): RawAnswer {
  const [head = ''] = text.split('\r\n\r\n');
  return {
    status: Number(head.split(' ')[1]),
    text,
    header: (name) => head.match(new RegExp(`^${name}: (.*)$`, 'im'))?.[1]?.trim(),
  };
}
