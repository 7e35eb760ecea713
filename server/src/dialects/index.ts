/** The dialects this server speaks. A new one: a folder, and a line here. */
import { cloudboltV2 } from './cloudbolt-v2/index.js';
import { cloudifyV3 } from './cloudify-v3/index.js';
import type { Dialect } from './dialect.js';
import { insightCloudSec } from './insightcloudsec/index.js';
import { layer5Cloud } from './layer5-cloud/index.js';
import { nativeV1 } from './native-v1/index.js';

export const DIALECTS: readonly Dialect[] = [cloudifyV3, cloudboltV2, insightCloudSec, layer5Cloud, nativeV1];
