/** How long ago something was, or how long it lasts yet, in words; a minute more or less does not matter. */
export function ago(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  return minutes < 1 ? 'less than a minute ago' : `${minutesOf(minutes)} ago`;
}

export function within(seconds: number): string {
  return `within ${minutesOf(Math.max(Math.ceil(seconds / 60), 1))}`;
}

function minutesOf(minutes: number): string {
  return minutes === 1 ? 'a minute' : `${minutes} minutes`;
}
