// SPDX-License-Identifier: Apache-2.0

import java.io.File;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;

/**
 * A system class loader that takes a while for one class, as a busy machine or a slow disk does: for one that JCS
 * 1.3 needs to make the threads for connections, after it has begun to open its port. It takes the milliseconds of the
 * property "slow".
 */
public final class Slow extends URLClassLoader {
    public Slow(ClassLoader parent) throws MalformedURLException {
        super(path(), parent.getParent());
    }

    private static URL[] path() throws MalformedURLException {
        String[] parts = System.getProperty("java.class.path").split(File.pathSeparator);
        URL[] urls = new URL[parts.length];
        for (int i = 0; i < parts.length; i++) {
            urls[i] = new File(parts[i]).toURI().toURL();
        }
        return urls;
    }

    @Override
    protected Class<?> findClass(String name) throws ClassNotFoundException {
        if (name.equals("EDU.oswego.cs.dl.util.concurrent.SynchronousChannel")) {
            try {
                Thread.sleep(Long.getLong("slow"));
            } catch (InterruptedException e) {
                throw new ClassNotFoundException(name, e);
            }
        }
        return super.findClass(name);
    }
}
