import { ACCOUNT_CONSOLE } from './selectors/account-console.ts';
import { SELF_SERVICE } from './selectors/self-service.ts';
import { SIGNING_IN } from './selectors/signing-in.ts';

/**
 * Every `data-testid` of the pages, by view: other people's browser tests drive them. They go on to exist as long as the
 * major version lasts, and so does what each of them is. Words, classes and structure of the pages may change any day.
 */
export const SELECTORS = { ...SIGNING_IN, ...SELF_SERVICE, ...ACCOUNT_CONSOLE };

type IdsIn<View> = View extends unknown ? keyof View : never;

/** `nav-{entry.id}` is `nav-` and anything. */
type Filled<Id> = Id extends `${infer Start}{${string}}` ? `${Start}${string}` : Id;

export type TestId = Filled<IdsIn<(typeof SELECTORS)[keyof typeof SELECTORS]>>;
