import { describeModule } from './module.js';

describeModule('Snapshots');
