import type { Knex } from 'knex';

/**
 * Links that were mailed to somebody: whoever opens one has that mailbox. A row is gone as soon as its link has been used.
 * Somebody who wants an account is in here until they have shown that the address is theirs, and nowhere else: nobody can
 * keep an address from its owner.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table mailed_links (
      token_hash text primary key,
      purpose text not null check (purpose in ('sign-up', 'password', 'email', 'email-undo', 'invitation')),
      account_id text references accounts on delete cascade,
      email text not null,
      email_canonical text not null,
      roles text[] not null default '{}',
      sealed text not null,
      created_at timestamptz not null default now(),
      expires_at timestamptz not null
    );
    comment on column mailed_links.token_hash is 'SHA-256 of the token, base64url; the token itself is in the mail alone';
    comment on column mailed_links.sealed is 'what the link is about, AES-256-GCM under a key that takes the token, too';
    comment on column mailed_links.roles is 'of an invitation';
    create index mailed_links_account_id on mailed_links (account_id) where account_id is not null;
    create index mailed_links_expires_at on mailed_links (expires_at);
    create unique index mailed_links_one_invitation on mailed_links (email_canonical) where purpose = 'invitation';
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table mailed_links');
}
