/** How many minutes ago something was, and how many it lasts yet: a minute more or less does not matter to a person. */
export function minutesAgo(seconds: number): number {
  return Math.max(Math.floor(seconds / 60), 0);
}

export function minutesLeft(seconds: number): number {
  return Math.max(Math.ceil(seconds / 60), 1);
}
