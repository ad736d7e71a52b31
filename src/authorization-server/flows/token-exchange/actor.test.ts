import { describe, expect, it } from 'vitest';
import { type Actor, type ActorQuestion, decideActor } from './actor.ts';

const CLIENT: Actor = { sub: 'gateway', client_id: 'gateway' };
const ALICE: Actor = { sub: 'alice', client_id: 'gateway' };
const NOTHING = { act: undefined, may_act: undefined };

const decide = (question: Partial<ActorQuestion>) =>
  decideActor({ delegation: 'optional', actor: undefined, client: CLIENT, subject: NOTHING, ...question });

describe('who acts (RFC 8693 §4.1)', () => {
  it('is nobody by impersonation, and the actor by delegation', () => {
    expect(decide({})).toBeUndefined();
    expect(decide({ actor: ALICE })).toEqual(ALICE);
  });

  it('comes before whoever acted before, and they stay where a token is exchanged without an actor', () => {
    const act = { sub: 'batch', client_id: 'batch' };
    expect(decide({ actor: ALICE, subject: { ...NOTHING, act } })).toEqual({ ...ALICE, act });
    expect(decide({ subject: { ...NOTHING, act } })).toEqual(act);
  });

  it('is held to the policy of the client', () => {
    expect(() => decide({ delegation: 'required' })).toThrow(
      expect.objectContaining({ error: 'invalid_request', error_description: expect.stringMatching(/actor_token/) }),
    );
    expect(() => decide({ delegation: 'none', actor: ALICE })).toThrow(
      expect.objectContaining({ error: 'invalid_request', error_description: expect.stringMatching(/delegation/) }),
    );
  });

  it('is whom the subject token names in may_act, the client itself where there is no actor (§4.4)', () => {
    const may = (may_act: Record<string, unknown>) => ({ subject: { ...NOTHING, may_act } });
    expect(decide({ actor: ALICE, ...may({ sub: 'alice' }) })).toEqual(ALICE);
    expect(decide(may({ client_id: 'gateway' }))).toBeUndefined();
    for (const question of [
      { actor: ALICE, ...may({ sub: 'bob' }) },
      { actor: ALICE, ...may({ sub: 'alice', iss: 'https://elsewhere.example' }) },
      may({ sub: 'alice' }),
    ]) {
      expect(() => decide(question)).toThrow(expect.objectContaining({ error: 'invalid_request' }));
    }
  });

  it('is one of five at most', () => {
    const line = [1, 2, 3, 4].reduce<Actor | undefined>(
      (act, n) => ({ sub: `s${n}`, client_id: 'c', ...(act && { act }) }),
      undefined,
    );
    const fifth = decide({ actor: ALICE, subject: { ...NOTHING, act: line } });
    expect(fifth?.act).toEqual(line);
    expect(() => decide({ actor: ALICE, subject: { ...NOTHING, act: fifth } })).toThrow(
      expect.objectContaining({ error_description: expect.stringMatching(/at most 5/) }),
    );
  });
});
