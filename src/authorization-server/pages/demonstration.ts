/** What the pages give away in development mode, so that someone who tries Concierge out can sign in at once. */
export interface Demonstration {
  readonly accounts: readonly {
    readonly email: string;
    readonly password: string;
    readonly roles: readonly string[];
  }[];
  readonly clients: readonly {
    readonly clientId: string;
    readonly name: string;
    readonly grantTypes: readonly string[];
  }[];
  /** Where the demo clients are. */
  readonly playground: string;
  readonly sampleWebApp: string;
  readonly sampleSinglePageApp: string;
}
