import type { Handles } from '../resources/handles.ts';
import { keyOfArtifact } from './artifact-payload.ts';
import { placeOf } from './token-payload.ts';

/** Keys of rows, which events name, too. Whoever is told the handle of a session may not learn by what it is found. */
export const HANDLES: Handles = {
  ofToken: (id) => placeOf(id).key,
  ofGrant: (id) => keyOfArtifact('Grant', id),
  ofSession: (uid) => keyOfArtifact('Session of tokens', uid),
};
