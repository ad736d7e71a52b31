/** One thing that is wrong with the configuration, in words for the operator. Never carries a secret's value. */
export interface Mistake {
  /** The setting (`lifetimes.grant`), the environment variable or the file it is about. */
  readonly path: string;
  readonly problem: string;
  readonly fix: string;
}

/** Everything that is wrong with the configuration, at once. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly mistakes: readonly Mistake[];

  constructor(mistakes: readonly Mistake[]) {
    const lines = mistakes.map(({ path, problem, fix }) => `  ${path}: ${problem}\n    ${fix}`);
    super(`The configuration cannot be used:\n${lines.join('\n')}`);
    this.mistakes = mistakes;
  }
}
