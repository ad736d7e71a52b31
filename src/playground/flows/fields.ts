import type { Field } from '../flow.ts';
import type { ClientRole } from '../issuers.ts';

export const scopeOf = (role: ClientRole, hint?: string): Field => ({
  name: 'scope',
  label: 'Scope',
  ...(hint && { hint }),
  initial: ({ clients }) => clients[role]?.scope ?? '',
});

/** The demo directory's password is public; nobody else's is known here. */
export const CREDENTIALS: readonly Field[] = [
  { name: 'username', label: 'Email', type: 'email', initial: ({ isDemo }) => (isDemo ? 'alice@example.com' : '') },
  {
    name: 'password',
    label: 'Password',
    type: 'password',
    initial: ({ isDemo }) => (isDemo ? 'correct-horse-battery-staple' : ''),
  },
];
