/** LDAP servers for tests: a real slapd where there is one, and one in this process, which knows as much as a sign-in needs. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as later } from 'node:timers/promises';
import { BerReader, BerWriter, Client } from 'ldapts';
import { freePort } from '../database/embedded/free-port.ts';

export interface LdapEntry {
  readonly dn: string;
  readonly attributes: Readonly<Record<string, string>>;
}

export interface LdapServer {
  readonly url: string;
  stop(): Promise<void>;
}

export const LDAP_BASE = 'dc=example,dc=com';
export const LDAP_ADMIN = { dn: `cn=admin,${LDAP_BASE}`, password: 'ldap-admin-password' };

export interface LdapServerKind {
  readonly name: string;
  start(people: readonly LdapEntry[]): Promise<LdapServer>;
}

const SLAPD = ['/usr/sbin/slapd', '/usr/libexec/slapd', '/usr/lib/openldap/slapd'].find((path) => existsSync(path));
const SCHEMAS = '/etc/ldap/schema';

/** Those that this machine can run. */
export const LDAP_SERVERS: readonly LdapServerKind[] = [
  { name: 'an LDAP server in this process', start: startLdapHere },
  ...(SLAPD !== undefined && existsSync(SCHEMAS) ? [{ name: 'slapd', start: startSlapd(SLAPD) }] : []),
];

/** RFC 4511 §4.2, §4.5: the tags of the messages that a sign-in sends and gets. */
const TAGS = { bind: 0x60, bindAnswer: 0x61, unbind: 0x42, search: 0x63, entry: 0x64, done: 0x65 } as const;
const SIMPLE = 0x80;
const EQUALITY = 0xa3;

async function startLdapHere(people: readonly LdapEntry[]): Promise<LdapServer> {
  const entries = people.map(({ dn, attributes }) => ({ dn, attributes: { ...attributes, entryUUID: randomUUID() } }));
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    let received: Buffer = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      for (let size = messageSize(received); size !== undefined && size <= received.length; ) {
        answer(socket, received.subarray(0, size), entries);
        received = received.subarray(size);
        size = messageSize(received);
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `ldap://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async stop() {
      for (const socket of sockets) {
        socket.destroy();
      }
      server.close();
      await once(server, 'close');
    },
  };
}

function messageSize(bytes: Buffer): number | undefined {
  const reader = new BerReader(bytes);
  const length = bytes.length < 2 ? null : reader.readSequence();
  return length === null ? undefined : reader.offset + reader.length;
}

function answer(socket: Socket, message: Buffer, entries: readonly LdapEntry[]): void {
  const reader = new BerReader(message);
  reader.readSequence();
  const id = reader.readInt() ?? 0;
  const operation = reader.peek();
  if (operation === TAGS.bind) {
    reader.readSequence(TAGS.bind);
    reader.readInt();
    const dn = reader.readString() ?? '';
    const password = reader.readString(SIMPLE) ?? '';
    const known = [{ dn: LDAP_ADMIN.dn, attributes: { userPassword: LDAP_ADMIN.password } }, ...entries];
    // RFC 4513 §5.1.2: without a password anybody may bind as anybody, which is why nobody must take it for a proof.
    const right = password === '' || known.some((one) => one.dn === dn && one.attributes.userPassword === password);
    socket.write(result(id, TAGS.bindAnswer, right ? 0 : 49));
  } else if (operation === TAGS.search) {
    for (const { dn, attributes } of search(reader, entries)) {
      socket.write(entryMessage(id, dn, attributes));
    }
    socket.write(result(id, TAGS.done, 0));
  } else if (operation === TAGS.unbind) {
    socket.end();
  } else {
    socket.write(result(id, TAGS.done, 2)); // protocolError
  }
}

/** An equality filter only; another matches nothing. */
function search(reader: BerReader, entries: readonly LdapEntry[]): LdapEntry[] {
  reader.readSequence(TAGS.search);
  reader.readString();
  reader.readEnumeration();
  reader.readEnumeration();
  reader.readInt();
  reader.readInt();
  reader.readBoolean();
  if (reader.peek() !== EQUALITY) {
    return [];
  }
  reader.readSequence(EQUALITY);
  const attribute = reader.readString() ?? '';
  const value = reader.readString() ?? '';
  return entries.filter(({ attributes }) => attributes[attribute]?.toLowerCase() === value.toLowerCase());
}

function result(id: number, tag: number, code: number): Buffer {
  return message(id, tag, (writer) => {
    writer.writeEnumeration(code);
    writer.writeString('');
    writer.writeString('');
  });
}

function entryMessage(id: number, dn: string, attributes: LdapEntry['attributes']): Buffer {
  return message(id, TAGS.entry, (writer) => {
    writer.writeString(dn);
    writer.startSequence();
    for (const [name, value] of Object.entries(attributes)) {
      writer.startSequence();
      writer.writeString(name);
      writer.startSequence(0x31);
      writer.writeString(value);
      writer.endSequence();
      writer.endSequence();
    }
    writer.endSequence();
  });
}

function message(id: number, tag: number, write: (writer: BerWriter) => void): Buffer {
  const writer = new BerWriter();
  writer.startSequence();
  writer.writeInt(id);
  writer.startSequence(tag);
  write(writer);
  writer.endSequence();
  writer.endSequence();
  return writer.buffer;
}

function startSlapd(executable: string) {
  return async (people: readonly LdapEntry[]): Promise<LdapServer> => {
    const directory = await mkdtemp(join(tmpdir(), 'slapd-'));
    const port = await freePort();
    const url = `ldap://127.0.0.1:${port}`;
    await mkdir(join(directory, 'data'));
    await writeFile(join(directory, 'slapd.conf'), configuration(directory));
    // In the foreground (-d), so that it ends with the test.
    const slapd = spawn(executable, ['-f', join(directory, 'slapd.conf'), '-h', url, '-d', '0'], { stdio: 'ignore' });
    const stop = async () => {
      await ended(slapd);
      await rm(directory, { recursive: true, force: true });
    };
    try {
      await fill(url, people);
    } catch (error) {
      await stop();
      throw error;
    }
    return { url, stop };
  };
}

function configuration(directory: string): string {
  return [
    ...['core', 'cosine', 'inetorgperson'].map((schema) => `include ${SCHEMAS}/${schema}.schema`),
    'modulepath /usr/lib/ldap',
    'moduleload back_mdb',
    'database mdb',
    'maxsize 10485760',
    `suffix "${LDAP_BASE}"`,
    `rootdn "${LDAP_ADMIN.dn}"`,
    `rootpw ${LDAP_ADMIN.password}`,
    `directory ${join(directory, 'data')}`,
    '',
  ].join('\n');
}

async function fill(url: string, people: readonly LdapEntry[]): Promise<void> {
  const client = new Client({ url });
  await untilItAnswers(() => client.bind(LDAP_ADMIN.dn, LDAP_ADMIN.password));
  await client.add(LDAP_BASE, { objectClass: ['dcObject', 'organization'], dc: 'example', o: 'Example' });
  await client.add(`ou=people,${LDAP_BASE}`, { objectClass: ['organizationalUnit'], ou: 'people' });
  for (const { dn, attributes } of people) {
    await client.add(dn, { objectClass: ['inetOrgPerson'], ...attributes });
  }
  await client.unbind();
}

async function untilItAnswers(ask: () => Promise<unknown>): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await ask();
      return;
    } catch (error) {
      if (attempt === 100) {
        throw error;
      }
      await later(50);
    }
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    child.kill();
    await once(child, 'exit');
  }
}
