import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { auditOf, newcomers, visitorOf } from '../../../testing/account-console.ts';
import { startTestServer, type TestServer } from '../../../testing/authorization-server.ts';
import { createRelyingParty, DEMO_WEB } from '../../../testing/relying-party.ts';
import type { Visit } from '../../../testing/user-agent.ts';

let server: TestServer;
const somebody = newcomers(() => server);

beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

const query = (text: string, values: unknown[] = []) => server.pool.query(text, values);

const form = (fields: Record<string, string>) => ({ method: 'POST', body: new URLSearchParams(fields) });

describe('/account/profile', () => {
  const fieldsOf = ({ html }: Visit) => ({ version: html.match(/name="version" value="([^"]*)"/)?.[1] ?? '' });

  it('saves what somebody says of themselves, and apps are told at userinfo', async () => {
    const person = await somebody();
    const browser = await visitorOf(server, person);
    const page = await browser.get('/account/profile');
    const saved = await browser.post('/account/profile', {
      ...fieldsOf(page),
      name: '  Dr. Person ',
      given_name: 'Per',
      birthdate: '1990-12-31',
      zoneinfo: 'Europe/Paris',
      street_address: '1 Bell Street\r\nBack door',
      postal_code: 'NW1',
      locality: 'London',
    });
    expect(saved.url).toBe(server.url('/account/profile?said=account-profile.said.saved'));
    expect(saved.html).toContain('Your profile is saved.');
    const { rows } = await query('select name, claims from accounts where account_id = $1', [person.accountId]);
    expect(rows[0]).toEqual({
      name: 'Dr. Person',
      claims: {
        given_name: 'Per',
        birthdate: '1990-12-31',
        zoneinfo: 'Europe/Paris',
        address: {
          street_address: '1 Bell Street\nBack door',
          postal_code: 'NW1',
          locality: 'London',
          formatted: '1 Bell Street\nBack door\nNW1 London',
        },
      },
    });
    const { access_token } = await createRelyingParty(server.issuer, DEMO_WEB).obtainTokens(
      { scope: 'openid profile' },
      person,
    );
    const userinfo = await fetch(server.url('/me'), { headers: { authorization: `Bearer ${access_token}` } });
    expect(await userinfo.json()).toMatchObject({ name: 'Dr. Person', given_name: 'Per', zoneinfo: 'Europe/Paris' });
    const changed = ['name', 'given_name', 'birthdate', 'street_address', 'postal_code', 'locality', 'zoneinfo'];
    expect(await auditOf(server, person, 'profile_changed')).toEqual([{ fields: changed }]);
  });

  it('says by each field what is wrong, and keeps what was typed', async () => {
    const person = await somebody();
    const browser = await visitorOf(server, person);
    const typed = {
      name: ' ',
      birthdate: '31.12.1990',
      phone_number: '0123',
      picture: 'javascript:alert(1)',
      locale: '!',
    };
    const visit = await browser.post('/account/profile', {
      ...fieldsOf(await browser.get('/account/profile')),
      ...typed,
    });
    expect(visit.status).toBe(400);
    for (const field of Object.keys(typed)) {
      expect(visit.html).toContain(`id="${field}-problem"`);
    }
    expect(visit.html).toContain('value="31.12.1990"');
    expect(await auditOf(server, person, 'profile_changed')).toEqual([]);
  });

  it('saves one of two changes that were made at the same time, and tells the other', async () => {
    const person = await somebody();
    const browser = await visitorOf(server, person);
    const fields = fieldsOf(await browser.get('/account/profile'));
    const names = ['One', 'Other'];
    const visits = await Promise.all(names.map((name) => browser.send('/account/profile', form({ ...fields, name }))));
    expect(visits.map(({ status }) => status).sort()).toEqual([303, 409]);
    expect((await auditOf(server, person, 'profile_changed')).length).toBe(1);
  });

  it('takes no field that a person may not say of themselves', async () => {
    const person = await somebody();
    const browser = await visitorOf(server, person);
    const fields = fieldsOf(await browser.get('/account/profile'));
    await browser.post('/account/profile', {
      ...fields,
      name: 'P',
      phone_number_verified: 'true',
      email: 'x@example.com',
      roles: 'admin',
      email_verified: 'true',
    });
    const { rows } = await query('select email, claims from accounts where account_id = $1', [person.accountId]);
    expect(rows[0]).toEqual({ email: person.email, claims: {} });
  });
});
