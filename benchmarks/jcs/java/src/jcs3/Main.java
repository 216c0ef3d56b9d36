// SPDX-License-Identifier: Apache-2.0
package jcs3;

import driver.Driver;
import driver.Region;
import org.apache.commons.jcs3.JCS;
import org.apache.commons.jcs3.access.CacheAccess;

/** The driver over JCS 3.x. */
public final class Main {
    private Main() {
    }

    public static void main(String[] args) throws Exception {
        CacheAccess<String, String> jcs = JCS.getInstance("Bench");
        Driver.serve(new Region() {
            @Override
            public void put(String key, String value) throws Exception {
                jcs.put(key, value);
            }

            @Override
            public String get(String key) {
                return jcs.get(key);
            }
        });
    }
}
