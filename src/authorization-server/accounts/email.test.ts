import { describe, expect, it } from 'vitest';
import { canonicalEmail } from './email.ts';

describe('C60: every way to write an address has one spelling', () => {
  it.each([
    ['alice@example.com', 'alice@example.com'],
    ['  Alice@EXAMPLE.com\t', 'alice@example.com'],
    ['ａｌｉｃｅ＠ｅｘａｍｐｌｅ．ｃｏｍ', 'alice@example.com'],
    ['alice@example.com.', 'alice@example.com'],
    ['al\u200bice@exam\u00adple.com\u200b', 'alice@example.com'],
    ['ali\u212Ae@example.com', 'alike@example.com'],
    ['Jose\u0301@example.com', 'josé@example.com'],
    ['JOSÉ@example.com', 'josé@example.com'],
    ['alice@Bücher.example', 'alice@xn--bcher-kva.example'],
    ['alice@xn--bcher-kva.example', 'alice@xn--bcher-kva.example'],
    ['alice@例え。jp', 'alice@xn--r8jz45g.jp'],
    ['admin@localhost', 'admin@localhost'],
  ])('%j', (written, canonical) => {
    expect(canonicalEmail(written)).toBe(canonical);
    expect(canonicalEmail(canonical)).toBe(canonical);
  });
});

it('keeps dots and plus tags, which may be other mailboxes', () => {
  expect(canonicalEmail('a.lice+shop@example.com')).toBe('a.lice+shop@example.com');
});

it('does not take a letter for its lookalike', () => {
  expect(canonicalEmail('m\u0131ke@example.com')).not.toBe(canonicalEmail('mike@example.com'));
  expect(canonicalEmail('\u0430lice@example.com')).not.toBe(canonicalEmail('alice@example.com'));
});

describe('C56: what cannot be an address has no spelling', () => {
  it.each([
    undefined,
    null,
    7,
    [['alice@example.com']],
    { email: 'alice@example.com' },
    '',
    'alice',
    '@example.com',
    'alice@',
    'alice@bob@example.com',
    'al ice@example.com',
    'al\0ice@example.com',
    'alice@exa\0mple.com',
    'alice\r\n@example.com',
    '\ud800@example.com',
    'alice@-example.com',
    'alice@exa_mple.com',
    'alice@exam%70le.com',
    'alice@127.0.0.1',
    'alice@0x7f.1',
    'alice@[::1]',
    'alice@example.com/path',
    'alice@example.com:25',
    `${'a'.repeat(320)}@example.com`,
    `alice@${'\ufdfa'.repeat(300)}.com`,
  ])('%j', (text) => {
    expect(canonicalEmail(text)).toBeUndefined();
  });
});
