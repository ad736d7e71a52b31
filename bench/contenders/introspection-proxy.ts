/**
 * What asking about a token costs any resource server: bare node:http that hands the token of each request on to the
 * product's introspection endpoint, and the answer back, without a look at either.
 */
import { Agent, request as ask, createServer } from 'node:http';
import { API_CLIENT } from '../directory.ts';

const { BENCH_PORT: port, BENCH_ISSUER_PORT: issuerPort } = process.env;
const authorization = `Basic ${Buffer.from(`${API_CLIENT.clientId}:${API_CLIENT.secret}`).toString('base64')}`;
const agent = new Agent({ keepAlive: true });

createServer((request, response) => {
  const body = `token=${request.headers.authorization?.slice('Bearer '.length)}`;
  const headers = {
    host: `localhost:${issuerPort}`,
    authorization,
    'content-type': 'application/x-www-form-urlencoded',
    'content-length': body.length,
  };
  const options = { agent, host: '127.0.0.1', port: issuerPort, path: '/token/introspection', method: 'POST', headers };
  const question = ask(options, (answer) => {
    response.writeHead(answer.statusCode ?? 502, { 'content-type': 'application/json' });
    answer.pipe(response);
  });
  question.on('error', (error) => response.writeHead(502).end(error.message));
  question.end(body);
}).listen(Number(port), '127.0.0.1');
