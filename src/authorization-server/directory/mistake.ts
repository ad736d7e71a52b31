import type { z } from 'zod';

/** One thing that is wrong with a directory file, in words for the operator. Never carries a secret. */
export interface Mistake {
  /** `clients.demo-web.redirect_uris.0` */
  readonly path: string;
  readonly problem: string;
  readonly fix: string;
}

/** Everything that is wrong with a directory file, at once. */
export class DirectoryError extends Error {
  override readonly name = 'DirectoryError';
  readonly mistakes: readonly Mistake[];

  constructor(mistakes: readonly Mistake[]) {
    const lines = mistakes.map(({ path, problem, fix }) => `  ${path}: ${problem}\n    ${fix}`);
    super(`The directory cannot be applied, and nothing was changed:\n${lines.join('\n')}`);
    this.mistakes = mistakes;
  }
}

/** What a zod schema found, in our words. */
export function mistakesOf(error: z.ZodError, path: string): Mistake[] {
  return error.issues.flatMap((issue) => {
    const place = [path, ...issue.path].join('.');
    if (issue.code === 'unrecognized_keys') {
      const fix = 'correct or remove it: a field that is not known is refused, not ignored';
      return issue.keys.map((key) => ({ path: `${place}.${key}`, problem: 'is not a known field', fix }));
    }
    const problem = issue.message.charAt(0).toLowerCase() + issue.message.slice(1);
    const fix = issue.code === 'custom' ? issue.params?.fix : undefined;
    return [{ path: place, problem, fix: typeof fix === 'string' ? fix : 'correct the value' }];
  });
}
