import { z } from 'zod';
import type { Invitations } from '../../self-service/invitations.ts';
import type { Page } from '../page.ts';
import { newPassword, personName } from './field-rules.ts';
import { readFilledIn, refusalOf } from './form-problems.ts';
import type { GoOn } from './go-on.ts';
import { type LinkPage, type LinkScreens, tokenIn } from './link-screens.ts';

export interface AcceptInvitationDeps {
  readonly page: Page;
  readonly screens: LinkScreens;
  readonly invitations: Pick<Invitations, 'open' | 'accept'>;
  readonly goOn: GoOn;
}

const InvitationForm = z.object({ name: personName, password: newPassword });

export function acceptInvitationPage({ page, screens, invitations, goOn }: AcceptInvitationDeps) {
  const invitation: LinkPage<'invitation'> = {
    async show(ctx, _link, shown) {
      const opened = await invitations.open(tokenIn(ctx));
      if (opened === undefined) {
        screens.showOver(ctx);
      } else {
        const locals = { ...opened, brand: page.brand };
        screens.render(ctx, 'accept-invitation', locals, 'mailed-link.invitation', shown);
      }
    },
    async submit(ctx, link) {
      const t = page.translate(ctx);
      const read = await readFilledIn(ctx, InvitationForm, t);
      if ('refusal' in read) {
        return invitation.show(ctx, link, { refusal: read.refusal, name: read.fields.name });
      }
      const accepted = await invitations.accept(tokenIn(ctx), read.form);
      if (typeof accepted === 'string') {
        return screens.showOver(ctx, accepted);
      }
      if ('problem' in accepted) {
        const refusal = refusalOf({ password: accepted.problem }, t);
        return invitation.show(ctx, link, { refusal, name: read.form.name });
      }
      await goOn.signedIn(ctx, accepted.account, '');
    },
  };
  return { invitation };
}
