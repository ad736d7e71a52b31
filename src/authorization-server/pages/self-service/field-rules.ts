import { z } from 'zod';

/** A person's name, in whatever script, on one line. */
export const personName = z
  .string('self-service.problem.name')
  .trim()
  .min(1, 'self-service.problem.name')
  .max(100, 'self-service.problem.name-long')
  .refine((name) => !/[\p{Cc}\p{Cs}\u2028\u2029]/u.test(name), 'self-service.problem.name-characters');

export const typedEmail = z
  .string('self-service.problem.email-missing')
  .trim()
  .min(1, 'self-service.problem.email-missing');

export const newPassword = z.string('passwords.missing').min(1, 'passwords.missing');

/** A sealed authorization request (remembered-request.ts), or none. */
export const sealedRequest = z.string().max(12_000).default('');
