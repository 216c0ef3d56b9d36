// SPDX-License-Identifier: Apache-2.0
package jcs13;

import driver.Driver;
import driver.Region;
import org.apache.jcs.JCS;

/** The driver over JCS 1.3. */
public final class Main {
    private Main() {
    }

    public static void main(String[] args) throws Exception {
        JCS jcs = JCS.getInstance("Bench");
        Driver.serve(new Region() {
            @Override
            public void put(String key, String value) throws Exception {
                jcs.put(key, value);
            }

            @Override
            public String get(String key) {
                return (String) jcs.get(key);
            }
        });
    }
}
