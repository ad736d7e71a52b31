import type { AdapterPayload } from 'oidc-provider';
import { ArtifactAdapter } from './artifact-adapter.ts';
import type { FoundArtifact } from './artifact-statements.ts';

/**
 * What a client asks for again and again. One that polls in two places, or once more after an answer that got lost, must
 * not end the grant with that, as the second use of a code from a redirect does: of a used one nothing is known.
 */
export class PolledAdapter extends ArtifactAdapter {
  protected override read(row: FoundArtifact | undefined, id?: string): AdapterPayload | undefined {
    return row?.consumed_at === null ? super.read(row, id) : undefined;
  }
}
