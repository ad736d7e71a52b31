/**
 * One request sees one state of the directory: what it has read it does not read again, so that all its decisions rest on
 * the same client, account and scopes, and cost one statement each. The next request sees the next state. Outside of a
 * request of the engine every call reads.
 */
export function oncePerRequest<Arguments extends readonly string[], Value>(
  currentRequest: () => object | undefined,
  read: (...args: Arguments) => Promise<Value>,
): (...args: Arguments) => Promise<Value> {
  const requests = new WeakMap<object, Map<string, Promise<Value>>>();
  return (...args) => {
    const request = currentRequest();
    if (request === undefined) {
      return read(...args);
    }
    const known = requests.get(request) ?? new Map<string, Promise<Value>>();
    requests.set(request, known);
    const key = JSON.stringify(args);
    const value = known.get(key) ?? read(...args);
    known.set(key, value);
    return value;
  };
}
