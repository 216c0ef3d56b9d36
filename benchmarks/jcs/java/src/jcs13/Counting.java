// SPDX-License-Identifier: Apache-2.0
package jcs13;

import driver.Arrivals;
import java.io.IOException;
import org.apache.jcs.engine.behavior.ICacheElement;
import org.apache.jcs.engine.memory.lru.LRUMemoryCache;

/** JCS's default memory, which also reports what was stored. */
public final class Counting extends LRUMemoryCache {
    @Override
    public void update(ICacheElement ce) throws IOException {
        super.update(ce);
        Arrivals.note(ce.getKey(), ce.getVal());
    }
}
