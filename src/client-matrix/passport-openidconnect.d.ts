/** The part of passport-openidconnect 0.1 that is used here; it has no types of its own. */
declare module 'passport-openidconnect' {
  import { Strategy as PassportStrategy } from 'passport';

  export interface StrategyOptions {
    readonly issuer: string;
    readonly authorizationURL: string;
    readonly tokenURL: string;
    readonly userInfoURL: string;
    readonly clientID: string;
    readonly clientSecret: string;
    readonly callbackURL: string;
    readonly scope: readonly string[];
    readonly nonce?: string;
    readonly maxAge?: number;
    readonly skipUserProfile: boolean;
  }

  export interface Profile {
    readonly id: string;
    readonly displayName?: string;
    readonly username?: string;
    readonly emails?: readonly { readonly value: string }[];
  }

  export type Verified = (error: Error | null, account: object) => void;

  export class Strategy extends PassportStrategy {
    constructor(options: StrategyOptions, verify: (issuer: string, profile: Profile, verified: Verified) => void);
  }
}
