import { spending } from '../../spending.ts';

export default spending('spending-deny', 'deny');
