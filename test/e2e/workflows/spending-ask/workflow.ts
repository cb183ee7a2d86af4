import { spending } from '../../spending.ts';

export default spending('spending-ask', 'ask');
