import { describeModule } from './module.js';

describeModule('KernelCache');
