import type { ScenarioFactory } from '../load/scenario.ts';

/** Who is measured: bench/contenders/. */
export type ContenderName =
  | 'P' // the product
  | 'P x2' // the product with two workers
  | 'P light' // the product with light hashes
  | 'S' // oidc-provider on the product's store
  | 'M' // oidc-provider on a Map
  | 'B0' // oidc-provider on knex
  | 'F' // bare node:http on the product's store
  | 'guarded' // the resource API
  | 'unguarded' // one of its routes, for everybody
  | 'proxy' // bare node:http that asks the product, and looks at nothing
  | 'agreeable' // bare node:http that knows every token, for a guard to ask
  | 'hash'; // nothing but the verification of a password

export interface Operation {
  readonly name: string;
  readonly title: string;
  readonly contenders: readonly ContenderName[];
  /** Where it is not the number that the whole run has. */
  readonly connections?: number;
  readonly scenario: ScenarioFactory;
}
