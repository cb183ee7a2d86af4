import { acts } from '../../workflows/changing/acts.ts';

export default acts('GetItem');
