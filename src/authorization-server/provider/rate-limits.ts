/** So many times within so many seconds, counted from the first time. */
export interface RateLimit {
  /** What is limited. Each has counts of its own. */
  readonly name: string;
  readonly most: number;
  readonly seconds: number;
}

/**
 * Counts that all nodes share. Each method is one statement, so of any number of callers at once no more get a yes than
 * there are times left; and who takes first and looks afterwards cannot be overtaken by others who do the same.
 */
export interface RateLimits {
  /** Takes one of the times. False when none was left. */
  take(limit: RateLimit, whose: string): Promise<boolean>;
  /** It was no such case after all. */
  giveBack(limit: RateLimit, whose: string): Promise<void>;
}
