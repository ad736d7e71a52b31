import { type AdapterPayload, errors } from 'oidc-provider';
import { ArtifactAdapter } from './artifact-adapter.ts';
import type { FoundArtifact } from './artifact-statements.ts';

/**
 * What a client asks for again and again. One that polls in two places, or once more after an answer that got lost, must
 * not end the grant with that, as the second use of a code from a redirect does: of a used one nothing is known.
 */
export class PolledAdapter extends ArtifactAdapter {
  /** With the tokens that it is exchanged for, at once: redemption.ts. */
  override async consume(id: string): Promise<void> {
    const redemption = this.deps.memory()?.redemption;
    if (redemption === undefined) {
      return super.consume(id);
    }
    const key = this.keyOf(id);
    redemption.used = {
      redeem: (saved) => this.deps.artifacts.redeem({ key, saved }),
      async lost() {
        throw new errors.InvalidGrant('already consumed');
      },
    };
  }

  protected override read(row: FoundArtifact | undefined, id?: string): AdapterPayload | undefined {
    return row?.consumed_at === null ? super.read(row, id) : undefined;
  }
}
