// SPDX-License-Identifier: Apache-2.0
package peers;

import java.util.logging.Level;
import java.util.logging.Logger;

/** One JVM of one system: ENGINE PORT PEER, both ports of 127.0.0.1. */
public final class Main {
    private Main() {
    }

    public static void main(String[] args) throws Exception {
        // All of them log by java.util.logging; nobody would run them at INFO for speed.
        Logger.getLogger("").setLevel(Level.WARNING);
        int port = Integer.parseInt(args[1]);
        int peer = Integer.parseInt(args[2]);
        Driver.serve(open(args[0], port, peer));
    }

    private static Cache open(String engine, int port, int peer) throws Exception {
        switch (engine) {
        case "jcs13":
            return Jcs.one();
        case "jcs3":
            return Jcs.three();
        case "hz-replicated":
            return Hazel.replicated(port, peer);
        case "hz-near":
            return Hazel.near(port, peer);
        case "ispn-replicated":
            return Ispn.replicated(port, peer);
        case "ispn-invalidation":
            return Ispn.invalidation(port, peer);
        default:
            throw new IllegalArgumentException("unknown engine " + engine);
        }
    }
}
