import type { DeliveryHandler } from '../operations/deliveries.ts';
import type { EmailChange } from './email-change.ts';
import type { MailJob } from './mail-job.ts';
import type { PasswordReset } from './password-reset.ts';
import type { SignUp } from './sign-up.ts';

interface Mailing {
  readonly signUp: Pick<SignUp, 'mail'>;
  readonly passwordReset: Pick<PasswordReset, 'mail'>;
  readonly emailChange: Pick<EmailChange, 'mail' | 'mailUndo'>;
}

/** Seconds. Nobody waits longer for a link, and later it would come as a surprise. */
const PATIENCE = 3600;

/** Works on what forms ask to be mailed. A job that is done twice sends two mails, either of which works. */
export function mailJobs({ signUp, passwordReset, emailChange }: Mailing): DeliveryHandler {
  return {
    patience: PATIENCE,
    async deliver(payload) {
      const job = payload as MailJob;
      switch (job.type) {
        case 'sign-up':
          await signUp.mail(job);
          break;
        case 'password':
          await passwordReset.mail(job);
          break;
        case 'email':
          await emailChange.mail(job);
          break;
        case 'email-changed':
          await emailChange.mailUndo(job);
          break;
      }
      return 'delivered';
    },
  };
}
