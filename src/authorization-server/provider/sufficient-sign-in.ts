import { errors, interactionPolicy, type KoaContextWithOIDC, type Provider } from 'oidc-provider';
import type { AccountStore } from '../accounts/account.ts';
import { ACR_VALUES, askedAcr, isMet, reaches, toldAcr } from '../accounts/assurance.ts';
import { nextStep } from '../accounts/next-step.ts';
import type { PersonStore } from '../accounts/person.ts';
import type { RequiresSecondFactor } from '../accounts/second-factor-policy.ts';
import type { Slice } from '../flows/slice.ts';
import { tellAcr } from './engine.ts';

const { Check } = interactionPolicy;

export interface SufficientSignInDeps {
  readonly accounts: Pick<AccountStore, 'findAccount'>;
  readonly findPerson: PersonStore['findPerson'];
  readonly requiresSecondFactor: RequiresSecondFactor;
}

export const acrSettings = (): Slice => ({ acrValues: [...ACR_VALUES] });

/**
 * Step-up (RFC 9470 §5): whoever is signed in, but not as surely as the client asks for or this server's policy demands, is asked for
 * what is missing, where that can be had. In place of the engine's two checks of an essential `acr`, which know no order among
 * the values, and never look at a wish.
 */
export function acrMissing({ accounts, findPerson, requiresSecondFactor }: SufficientSignInDeps) {
  return new Check('acr_missing', 'a surer sign-in is required', 'login_required', async ({ oidc }) => {
    const { accountId, acr, amr = ['pwd'] } = oidc.session ?? {};
    if (accountId === undefined) {
      return Check.NO_NEED_TO_PROMPT;
    }
    const asks = askedAcr(oidc.params ?? {});
    if (isMet(acr, asks) && (reaches(acr, 'mfa') || !(await isRequired(accountId)))) {
      return Check.NO_NEED_TO_PROMPT;
    }
    const person = await findPerson(accountId);
    const next = person && nextStep(person, amr, { asks, requiresSecondFactor });
    if (next?.due === 'unmet') {
      throw new errors.UnmetAuthenticationRequirements('the account cannot prove what the request asks for');
    }
    return next === undefined || next.due === 'nothing' ? Check.NO_NEED_TO_PROMPT : Check.REQUEST_PROMPT;
  });

  async function isRequired(accountId: string): Promise<boolean> {
    const account = await accounts.findAccount(accountId);
    return account !== undefined && requiresSecondFactor(account);
  }
}

/** A client that asked for some values knows those: it is told the surest of them that the sign-in includes. */
export function tellAskedAcr(provider: Provider): void {
  tellAcr(provider, ({ session, params }: KoaContextWithOIDC['oidc']) =>
    session?.accountId === undefined ? undefined : toldAcr(session.acr, askedAcr(params ?? {})),
  );
}
