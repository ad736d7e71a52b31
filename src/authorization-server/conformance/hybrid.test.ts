/** oidcc-hybrid-certification-test-plan */
import { describeCoreModules } from './core-modules.contract.ts';

describeCoreModules({ responseType: 'code id_token' });
describeCoreModules({ responseType: 'code token' });
describeCoreModules({ responseType: 'code id_token token' });
