/** What the package exports as `concierge/test-kit`. */
export { connectTestServer, type TestServerClient, TestServerError } from './client.ts';
export type * from './protocol.ts';
export { type StartedTestServer, startTestServer, type TestServerOptions } from './start.ts';
