/** What a zod check reports for a broken rule: the problem, and apart from it what to do about that. */
export function rule(problem: string, fix: string) {
  return { error: problem, params: { fix } };
}

/** The same as an issue, for checks that look at several fields. */
export function broken(path: PropertyKey[], problem: string, fix: string) {
  return { code: 'custom' as const, path, message: problem, params: { fix } };
}
