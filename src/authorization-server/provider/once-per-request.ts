/**
 * What one request has read it does not read again, so that all its decisions rest on the same state. The next request
 * reads anew. Outside of a request of the engine every call reads.
 */
export function oncePerRequest<Value>(
  currentRequest: () => object | undefined,
  read: (key: string) => Promise<Value>,
): (key: string) => Promise<Value> {
  const requests = new WeakMap<object, Map<string, Promise<Value>>>();
  return (key) => {
    const request = currentRequest();
    if (request === undefined) {
      return read(key);
    }
    const known = requests.get(request) ?? new Map<string, Promise<Value>>();
    requests.set(request, known);
    const value = known.get(key) ?? read(key);
    known.set(key, value);
    return value;
  };
}
