// SPDX-License-Identifier: Apache-2.0
package peers;

import org.apache.commons.jcs3.access.CacheAccess;
import org.apache.jcs.JCS;

/** JCS 1.3 and 3.2.1 with the lateral TCP auxiliary; the settings are in the cache.ccf of the class path. */
final class Jcs {
    private Jcs() {
    }

    static Cache one() throws Exception {
        JCS jcs = JCS.getInstance("Bench");
        return new Cache() {
            @Override
            public void put(String key, String value) throws Exception {
                jcs.put(key, value);
            }

            @Override
            public String get(String key) {
                return (String) jcs.get(key);
            }
        };
    }

    static Cache three() {
        CacheAccess<String, String> jcs = org.apache.commons.jcs3.JCS.getInstance("Bench");
        return new Cache() {
            @Override
            public void put(String key, String value) {
                jcs.put(key, value);
            }

            @Override
            public String get(String key) {
                return jcs.get(key);
            }
        };
    }
}
