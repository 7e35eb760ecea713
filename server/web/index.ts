/** The page that leads to the references. */
import { addFrame } from './frame.js';

addFrame([]);
