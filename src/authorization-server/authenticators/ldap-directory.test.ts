import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LDAP_ADMIN, LDAP_BASE, LDAP_SERVERS, type LdapServer } from '../../testing/ldap.ts';
import { createLdapDirectory, type LdapSettings, LdapUnavailable } from './ldap-directory.ts';

const PEOPLE = `ou=people,${LDAP_BASE}`;
const carol = {
  dn: `uid=carol,${PEOPLE}`,
  attributes: {
    uid: 'carol',
    mail: 'carol@example.com',
    cn: 'Carol Cook',
    sn: 'Cook',
    userPassword: 'carols-password',
  },
};
const twins = ['one', 'two'].map((uid) => ({
  dn: `uid=${uid},${PEOPLE}`,
  attributes: { uid, mail: 'twin@example.com', cn: 'Twin', sn: 'Twin', userPassword: 'twins-password' },
}));

describe.each(LDAP_SERVERS)('$name', ({ start }) => {
  let server: LdapServer;
  beforeAll(async () => {
    server = await start([carol, ...twins]);
  });
  afterAll(() => server.stop());

  const directory = (changes: Partial<LdapSettings> = {}) =>
    createLdapDirectory({
      url: server.url,
      startTls: false,
      bindDn: LDAP_ADMIN.dn,
      bindPassword: LDAP_ADMIN.password,
      searchBase: PEOPLE,
      searchFilter: '(mail={email})',
      attributes: { email: 'mail', name: 'cn' },
      ...changes,
    });

  it('lets in who knows the password of the entry, and tells who that is', async () => {
    const person = await directory().authenticate({ email: 'carol@example.com', password: 'carols-password' });
    expect(person).toEqual({
      subject: expect.stringMatching(/^[0-9a-f-]{36}$/),
      email: 'carol@example.com',
      name: 'Carol Cook',
    });
  });

  it('tells the same subject each time', async () => {
    const credentials = { email: 'Carol@Example.com', password: 'carols-password' };
    const [first, second] = [
      await directory().authenticate(credentials),
      await directory().authenticate({ ...credentials, email: 'carol@example.com' }),
    ];
    expect(first?.subject).toBe(second?.subject);
  });

  it.each([
    ['a wrong password', 'carol@example.com', 'not-carols-password'],
    ['no password, with which a bind succeeds and proves nothing', 'carol@example.com', ''],
    ['somebody who is not there', 'nobody@example.com', 'carols-password'],
    ['an address that two entries have', 'twin@example.com', 'twins-password'],
    ['an address that is a filter', '*', 'carols-password'],
    ['an address that ends the filter', 'carol@example.com)(uid=*', 'carols-password'],
  ])('refuses %s', async (_what, email, password) => {
    expect(await directory().authenticate({ email, password })).toBeUndefined();
  });

  it('does not take it for a wrong password that it may not search', async () => {
    const misconfigured = directory({ bindPassword: 'wrong' });
    const asked = misconfigured.authenticate({ email: 'carol@example.com', password: 'carols-password' });
    await expect(asked).rejects.toThrow(LdapUnavailable);
  });
});

it('does not take a directory that is away for a wrong password', async () => {
  const away = createLdapDirectory({
    url: 'ldap://127.0.0.1:1',
    startTls: false,
    bindDn: null,
    bindPassword: undefined,
    searchBase: PEOPLE,
    searchFilter: '(mail={email})',
    attributes: { email: 'mail', name: 'cn' },
  });
  await expect(away.authenticate({ email: 'carol@example.com', password: 'x' })).rejects.toThrow(LdapUnavailable);
});
