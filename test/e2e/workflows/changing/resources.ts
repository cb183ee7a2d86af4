import { acts } from './acts.ts';

export default acts('PutItem');
