import type { Knex } from 'knex';

/**
 * Lets services of the same operator look an access token up beside the database or a replica of it, instead of asking over HTTP
 * (docs/decisions/0008-the-token-reader.md).
 *
 * `introspect_token` says what introspection says at this moment to the resource server that asks; `null` for a token that is
 * worth nothing to it. It follows provider/token-state.ts and flows/introspection step by step, and a test holds the two
 * together. Who may call it can do nothing else: it takes a token's hash to be told anything, and no table can be read.
 *
 * Roles belong to the whole cluster: another database may have made this one, or be about to; and who migrates need not be
 * allowed to make any. Then it is for the operator to make, and to grant.
 */
export async function up(knex: Knex): Promise<void> {
  const { rows } = await knex.raw('select quote_ident(current_schema()) as schema');
  const [{ schema }] = rows;
  await knex.raw(FUNCTION);
  // What the function names is looked up where the tables are, and nowhere where its caller could put something else.
  await knex.raw(`
    alter function introspect_token set search_path = ${schema}, pg_temp;
    revoke all on function introspect_token from public;
    comment on function introspect_token is 'what introspection says about a token of this hash to this resource server'`);
  await knex.raw(ROLE);
  await knex.raw(`
    do $do$
    begin
      if exists (select from pg_roles where rolname = 'concierge_token_reader') then
        grant usage on schema ${schema} to concierge_token_reader;
        grant execute on function introspect_token to concierge_token_reader;
      end if;
    end $do$`);
}

/** The role stays: other databases may have granted it something. */
export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop function introspect_token');
}

const ROLE = `
  do $do$
  begin
    if not exists (select from pg_roles where rolname = 'concierge_token_reader') then
      create role concierge_token_reader nologin;
    end if;
  exception
    when duplicate_object or unique_violation then
      null;
    when insufficient_privilege then
      raise warning 'the role concierge_token_reader is not there, and % may not make it: docs/operations.md', current_user;
  end $do$`;

const FUNCTION = `
  create function introspect_token(asked_slot integer, asked_key uuid, is_jwt boolean, asking text) returns jsonb
  language plpgsql stable security definer as $function$
  declare
    seconds constant bigint := floor(extract(epoch from clock_timestamp()));
    about_account constant text[] := '{openid,profile,email,address,phone,roles,offline_access}';
    token record;
    permits jsonb;
    session jsonb;
    email text;
    name text;
    roles text[];
    seen text[];
    audience text;
    consented_at text;
    issued_to text;
    granted text[];
    granted_openid text[];
    permitted text[];
    scopes text[];
  begin
    select t.key, t.account_id, t.client_id, t.session_uid, t.grant_id, t.payload::jsonb as says into token from tokens t
      where t.slot = asked_slot and t.key = asked_key and t.revoked_at is null
        and t.kind in ('AccessToken', 'ClientCredentials');
    -- The id of a JWT is no secret, and worth nothing without the JWT, whose signature the one that asks has checked.
    if not found or (token.says ->> 'format' is not distinct from 'jwt') <> is_jwt
        or (token.says ->> 'exp')::bigint <= seconds then
      return null;
    end if;

    select r.claims into seen from resource_servers r where r.identifier = asking;
    if not found then
      return null;
    end if;
    scopes := array_remove(string_to_array(token.says ->> 'scope', ' '), '');
    audience := coalesce(token.says ->> 'aud', (
      select r.identifier from resource_servers r where r.is_default
        and exists (select from scopes s where s.resource_server = r.identifier and s.name = any (scopes))));
    if audience is distinct from asking then
      return null;
    end if;

    if token.grant_id is not null then
      select g.payload::jsonb into permits from artifacts g
        where g.key = token.grant_id and g.kind = 'Grant' and g.consumed_at is null
          and g.client_id = token.client_id and g.account_id is not distinct from token.account_id;
      if not found or (permits ->> 'exp')::bigint <= seconds then
        return null;
      end if;
    end if;

    if (token.says ->> 'expiresWithSession')::boolean then
      select s.payload::jsonb into session from artifacts s
        where s.uid = token.session_uid and s.kind = 'Session' and s.account_id = token.account_id;
      if not found or (session ->> 'exp')::bigint <= seconds
          or session #>> array['authorizations', token.client_id, 'grantId'] is distinct from token.says ->> 'grantId' then
        return null;
      end if;
    end if;

    issued_to := coalesce(token.says #>> '{exchanged,by}', token.client_id);
    if exists (
        select from unnest(array[token.client_id, issued_to]) as needed (client_id)
        where not exists (
          select from clients c where c.client_id = needed.client_id and c.disabled_at is null
            and jsonb_typeof(c.metadata -> 'grant_types') = 'array'
            and jsonb_typeof(c.metadata -> 'response_types') = 'array')) then
      return null;
    end if;
    select array_agg(held.scope order by held.n) into scopes from unnest(scopes) with ordinality as held (scope, n)
      where not exists (
        select from clients c where c.client_id in (token.client_id, issued_to)
          and not held.scope = any (string_to_array(coalesce(c.metadata ->> 'scope', ''), ' ')));

    if token.account_id is not null then
      select a.email, a.name,
          array(select r.role from account_roles r where r.account_id = a.account_id order by r.role collate "C")
        into email, name, roles from accounts a where a.account_id = token.account_id and a.disabled_at is null;
      if not found then
        return null;
      end if;
      -- What a person has refused stands beside what they have granted, and counts more.
      consented_at := coalesce(token.says #>> '{exchanged,consentedAt}', audience);
      select array_agg(one) into granted
        from unnest(string_to_array(permits #>> array['resources', consented_at], ' ')) as one
        where not one = any (string_to_array(coalesce(permits #>> array['rejected', 'resources', consented_at], ''), ' '));
      select array_agg(one) into granted_openid from unnest(string_to_array(permits #>> '{openid,scope}', ' ')) as one
        where one = 'openid' or not one = any (string_to_array(coalesce(permits #>> '{rejected,openid,scope}', ''), ' '));
      select array_agg(one) into permitted from roles r, unnest(r.scopes) as one where r.name = any (roles);
      select array_agg(held.scope order by held.n) into scopes from unnest(scopes) with ordinality as held (scope, n)
        where case when held.scope = any (about_account) then held.scope = any (granted_openid)
          else held.scope = any (granted) and held.scope = any (permitted) end;
      seen := seen || array(
        select asked.claim
        from (values ('profile', 'username'), ('profile', 'name'), ('email', 'email'), ('roles', 'roles')) as asked (scope, claim)
        where asked.scope = any (scopes));
    end if;

    return coalesce(token.says -> 'extra', '{}') || jsonb_strip_nulls(jsonb_build_object(
      'active', true,
      'client_id', issued_to,
      'aud', audience,
      'scope', nullif(array_to_string(scopes, ' '), ''),
      'iat', token.says -> 'iat',
      'exp', least((token.says ->> 'exp')::bigint, (permits ->> 'exp')::bigint),
      'token_type', case when token.says ->> 'jkt' is not null then 'DPoP' else 'Bearer' end,
      -- The handles of storage/handles.ts: none of them opens anything.
      'jti', replace(token.key::text, '-', ''),
      'grant_id', replace(token.grant_id::text, '-', ''),
      'sid', case when (token.says ->> 'expiresWithSession')::boolean then
        left(encode(sha256('Session of tokens\\000'::bytea || convert_to(token.session_uid, 'UTF8')), 'hex'), 32) end,
      'granted_to', nullif(token.client_id, issued_to),
      'cnf', nullif(jsonb_strip_nulls(jsonb_build_object('jkt', token.says -> 'jkt', 'x5t#S256', token.says -> 'x5t#S256')), '{}'),
      'sub', token.account_id,
      'username', case when 'username' = any (seen) then email end,
      'name', case when 'name' = any (seen) then name end,
      'email', case when 'email' = any (seen) then email end,
      'roles', case when 'roles' = any (seen) then roles end));
  end
  $function$`;
