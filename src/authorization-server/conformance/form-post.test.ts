/**
 * oidcc-formpost-basic-, -implicit- and -hybrid-certification-test-plan: the same modules, answered by form. One response type
 * of each plan; what the others bring is the concern of implicit.test.ts and hybrid.test.ts.
 */
import { describeCoreModules } from './core-modules.contract.ts';

describeCoreModules({ responseType: 'code', responseMode: 'form_post' });
describeCoreModules({ responseType: 'id_token token', responseMode: 'form_post' });
describeCoreModules({ responseType: 'code id_token', responseMode: 'form_post' });
