import { interactionPolicy, type interactionPolicy as Policy } from 'oidc-provider';

const { Check, base } = interactionPolicy;

/**
 * Which prompts there are and when each is shown: the engine's own, and one reason more to sign in. A session whose
 * account was disabled or deleted since would otherwise reach code that takes an account for granted.
 */
export function createInteractionPolicy(): Policy.DefaultPolicy {
  const policy = base();
  policy
    .get('login')
    ?.checks.add(
      new Check('account_gone', 'the signed-in account is no longer available', 'login_required', (ctx) =>
        ctx.oidc.session?.accountId !== undefined && ctx.oidc.account === undefined
          ? Check.REQUEST_PROMPT
          : Check.NO_NEED_TO_PROMPT,
      ),
    );
  return policy;
}
