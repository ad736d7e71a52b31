/** What is wrong with something that was typed: a message (locales) with what to fill into it. */
export interface Problem {
  readonly key: string;
  readonly values?: Readonly<Record<string, string | number>> | undefined;
}

/** By the field that it is about; `form`: about none of them. */
export type Problems<Field extends string> = Partial<Readonly<Record<Field | 'form', Problem>>>;
