import type { Knex } from 'knex';
import * as tokenReader from './0026_token_reader.ts';

/**
 * Replaces `introspect_token`. It knows the client of the tokens that people make for themselves, which has no row
 * (clients/personal-access.ts). Of a client that describes itself by a document nobody here has read that: where everything else
 * about a token is good, the answer is `{"described_by": <its URL>}`, and means "ask the authorization server".
 *
 * Each row is looked for by its own key and nothing else, and compared afterwards: as long as nobody has counted the rows, any
 * index that has to do with a condition looks as good, that of all grants of a client among them. The other settings are
 * those of database/connect.ts, for the same reasons; who calls has others.
 */
export async function up(knex: Knex): Promise<void> {
  const { rows } = await knex.raw('select quote_ident(current_schema()) as schema');
  const [{ schema }] = rows;
  await knex.raw(FUNCTION);
  await knex.raw(`
    alter function introspect_token set search_path = ${schema}, pg_temp
      set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off`);
}

export async function down(knex: Knex): Promise<void> {
  await tokenReader.down(knex);
  await tokenReader.up(knex);
}

/** Replacing leaves in place who may call it. */
const FUNCTION = `
  create or replace function introspect_token(asked_slot integer, asked_key uuid, is_jwt boolean, asking text) returns jsonb
  language plpgsql stable security definer as $function$
  declare
    seconds constant bigint := floor(extract(epoch from clock_timestamp()));
    about_account constant text[] := '{openid,profile,email,address,phone,roles,offline_access}';
    token record;
    kept record;
    permits jsonb;
    session jsonb;
    email text;
    name text;
    roles text[];
    seen text[];
    audience text;
    consented_at text;
    issued_to text;
    needed text;
    allowed text[];
    described_by text;
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
    audience := token.says ->> 'aud';
    if audience is null then
      select r.identifier into audience from resource_servers r where r.is_default
        and exists (select from scopes s where s.resource_server = r.identifier and s.name = any (scopes));
    end if;
    if audience is distinct from asking then
      return null;
    end if;

    if token.grant_id is not null then
      select g.kind, g.client_id, g.account_id, g.consumed_at, g.payload into kept from artifacts g where g.key = token.grant_id;
      if kept.kind is distinct from 'Grant' or kept.consumed_at is not null
          or kept.client_id is distinct from token.client_id or kept.account_id is distinct from token.account_id then
        return null;
      end if;
      permits := kept.payload::jsonb;
      if (permits ->> 'exp')::bigint <= seconds then
        return null;
      end if;
    end if;

    if (token.says ->> 'expiresWithSession')::boolean then
      select s.kind, s.account_id, s.payload into kept from artifacts s where s.uid = token.session_uid;
      if kept.kind is distinct from 'Session' or kept.account_id is distinct from token.account_id then
        return null;
      end if;
      session := kept.payload::jsonb;
      if (session ->> 'exp')::bigint <= seconds
          or session #>> array['authorizations', token.client_id, 'grantId'] is distinct from token.says ->> 'grantId' then
        return null;
      end if;
    end if;

    issued_to := coalesce(token.says #>> '{exchanged,by}', token.client_id);
    foreach needed in array array_remove(array[token.client_id, nullif(issued_to, token.client_id)], null) loop
      if needed = 'concierge-personal' then
        select array_agg(s.name) into allowed from scopes s;
      else
        select string_to_array(c.metadata ->> 'scope', ' ') into allowed from clients c
          where c.client_id = needed and c.disabled_at is null
            and jsonb_typeof(c.metadata -> 'grant_types') = 'array'
            and jsonb_typeof(c.metadata -> 'response_types') = 'array';
        if not found and (needed like 'https://%' or needed like 'http://%') then
          described_by := needed;
          continue;
        elsif not found then
          return null;
        end if;
      end if;
      select array_agg(held.scope order by held.n) into scopes from unnest(scopes) with ordinality as held (scope, n)
        where held.scope = any (allowed);
    end loop;

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

    if described_by is not null then
      return jsonb_build_object('described_by', described_by);
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
