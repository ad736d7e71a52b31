/** passport-openidconnect 0.1 in an Express application with sessions. It knows no discovery, so it is told the endpoints. */
import express, { type ErrorRequestHandler } from 'express';
import session from 'express-session';
import { Passport } from 'passport';
import { type Profile, Strategy } from 'passport-openidconnect';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startApplication } from '../testing/application.ts';
import { startTestServer, type TestServer } from '../testing/authorization-server.ts';
import { Browser } from '../testing/browser.ts';

const CLIENT = { client_id: 'passport', client_secret: 'passport-secret' };

let server: TestServer;
let application: Awaited<ReturnType<typeof startApplication>>;
let browser: Browser;
beforeAll(async () => {
  server = await startTestServer();
  application = await startApplication(createApplication);
  const redirect_uris = [`${application.url}/callback`];
  await server.apply({ clients: [{ ...CLIENT, redirect_uris, scope: 'openid profile email' }] });
});
afterAll(async () => {
  application.stop();
  await server.stop();
});
beforeEach(() => {
  browser = new Browser(application.url, server.issuer);
});

function createApplication(url: string) {
  const passport = new Passport();
  passport.use(createStrategy(`${url}/callback`));
  passport.serializeUser((account, done) => done(null, account));
  passport.deserializeUser((account: Express.User, done) => done(null, account));
  const app = express();
  app.use(session({ secret: 'a-secret-of-the-application', resave: false, saveUninitialized: false }));
  app.use(passport.session());
  app.get('/sign-in', passport.authenticate('openidconnect'));
  app.get('/callback', passport.authenticate('openidconnect', { successRedirect: '/', failureRedirect: '/refused' }));
  app.get('/refused', (_request, response) => void response.status(403).send('not signed in'));
  app.get('/', (request, response) => void response.json(request.user ?? null));
  const tellError: ErrorRequestHandler = (error, _request, response, _next) => void response.status(500).json(error);
  app.use(tellError);
  return app;
}

function createStrategy(callbackURL: string) {
  const options = {
    issuer: server.issuer,
    authorizationURL: server.url('/auth'),
    tokenURL: server.url('/token'),
    userInfoURL: server.url('/me'),
    clientID: CLIENT.client_id,
    clientSecret: CLIENT.client_secret,
    callbackURL,
    scope: ['profile', 'email'],
    nonce: 'please',
    maxAge: 3600,
    skipUserProfile: false,
  };
  return new Strategy(options, (issuer, profile, verified) => verified(null, { ...profile, issuer }));
}

async function signedIn(): Promise<(Profile & { issuer: string }) | null> {
  return JSON.parse((await browser.open('/')).html);
}

describe('passport-openidconnect', () => {
  it('signs a person in to a session of the application', async () => {
    expect(await signedIn()).toBeNull();
    const { url } = await browser.open('/sign-in');
    expect(url).toBe(`${application.url}/`);
    expect(await signedIn()).toMatchObject({
      issuer: server.issuer,
      id: expect.any(String),
      displayName: 'Alice Archer',
      emails: [{ value: 'alice@example.com' }],
    });
  });

  it('lets nobody in who said no', async () => {
    const request = await browser.application.get('/sign-in');
    const question = await browser.issuer.signIn(await browser.issuer.get(request.url), { email: 'alice@example.com' });
    const { status } = await browser.open((await browser.issuer.deny(question)).url);
    expect(status).toBe(403);
    expect(await signedIn()).toBeNull();
  });

  it('lets nobody in with an answer that another browser asked for', async () => {
    const request = await browser.application.get('/sign-in');
    const answer = await browser.issuer.authorize(request.url);
    const other = new Browser(application.url, server.issuer);
    expect((await other.open(answer.href)).status).toBe(403);
  });
});
