/** oidcc-implicit-certification-test-plan */
import { describeCoreModules } from './core-modules.contract.ts';

describeCoreModules({ responseType: 'id_token token' });
describeCoreModules({ responseType: 'id_token' });
